"""The lab: one picture's experiments on the shared models. No Gradio, no printing."""
