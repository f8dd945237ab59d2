"""Notifications: emails, texts and letters, asked for in the shapes of GOV.UK Notify.

``forms`` says what comes in, ``templates`` what can be said, ``tables`` what is stored, ``refusals`` how it says no,
``keys`` who may ask, ``service`` what is answered. Shapes and errors are those of
https://docs.notifications.service.gov.uk/rest-api.html, so a client of Notify needs another address and another key.

Two things differ. The bearer token is the API key itself, where Notify wants a JSON Web Token signed with it. And a
``reference`` is asked for once: the same request with the same reference gets the first answer again, so that a sender
who lost an answer can ask again without a second letter.

Nothing leaves the machine: there is no postman behind this, and every notification stays ``created``.
"""
