"""What hostile servers, wheels, bundles and files must not achieve."""
