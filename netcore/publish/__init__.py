"""What is made of renders: pages that show them with their captions."""
