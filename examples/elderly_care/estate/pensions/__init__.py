"""The pensions department: SOAP 1.1 document/literal over HTTP, a WSDL and an XSD, an SQLite store."""
