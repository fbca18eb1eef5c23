"""What an attacker would try, tried; and the tools that look for what nobody thought of."""
