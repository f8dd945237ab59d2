"""The health service: a patient index that nobody reaches but by ODBC. A schema for each database, and its filling."""
