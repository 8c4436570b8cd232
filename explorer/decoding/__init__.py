"""Picture files become pixels here, also strangers' files: in processes of their own, with limits."""
