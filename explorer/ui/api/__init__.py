"""The programming interface: endpoints for programs, with what comes in and what goes out."""
