"""The three old systems, each a process of its own: pensions (SOAP), health (a database), council (HTTP forms)."""
