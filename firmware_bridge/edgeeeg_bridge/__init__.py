"""The serial link between a host and a board: framing, messages, session, port, emulator."""
