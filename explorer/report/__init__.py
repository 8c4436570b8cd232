"""Reports: what a run leaves, as files, sheets, figures and animations."""
