"""Programs: each module is a subcommand of ``mmqcs``, and a script in tools."""
