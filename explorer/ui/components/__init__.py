"""Components around the stages: the picture's input, the examples, errors and recorded runs."""
