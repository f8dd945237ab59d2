"""The council: an old web application. Forms in, XML out, a sliding session, HTML where something is wrong."""
