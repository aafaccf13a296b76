"""How a session is shown. Each listener hears the same events; none decides anything."""
