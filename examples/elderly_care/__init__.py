"""Support for elderly people: three departments and the shared services that replace them."""
