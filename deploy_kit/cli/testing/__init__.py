"""How ``deploykit test`` prepares a machine for the project's tests and runs them."""
