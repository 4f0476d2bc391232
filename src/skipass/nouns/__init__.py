"""The values every room shares: frozen, without behaviour beyond their own shape."""
