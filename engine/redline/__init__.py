"""Red-line rules: what customers write, models draft and agents send is screened here."""
