"""What a load run showed, for people and for machines."""
