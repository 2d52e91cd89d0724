"""Words of the demo: names, towns, captions and sentences such as a French installer's ERP holds.

Invented: no real person or firm. Values live here, their choice does not (plausible.py).
"""

from __future__ import annotations

FIRST_NAMES = (
    "Camille", "Nicolas", "Sandrine", "Thierry", "Élodie", "Julien", "Nathalie", "Frédéric", "Aurélie", "Pascal",
    "Céline", "Mathieu", "Isabelle", "Romain", "Valérie", "Stéphane", "Léa", "Gaël", "Noémie", "Benoît",
)  # fmt: skip
LAST_NAMES = (
    "Martin", "Bernard", "Petit", "Durand", "Leroy", "Moreau", "Lefèvre", "Garnier", "Faure", "Rousseau", "Chevalier",
    "Le Gall", "D'Hondt", "Marchand", "Perrin", "Muller", "Benali", "Nguyen", "Da Silva", "Guérin",
)  # fmt: skip
STREETS = (
    "rue de la République", "avenue Jean Jaurès", "impasse des Lilas", "chemin du Moulin", "zone artisanale Les Prés",
    "boulevard Gambetta", "place de l'Église", "route de Paris", "allée des Tilleuls", "rue du Général Leclerc",
)  # fmt: skip
# (post code, town, department)
TOWNS = (
    ("35000", "RENNES", "Ille-et-Vilaine"), ("44000", "NANTES", "Loire-Atlantique"), ("69003", "LYON", "Rhône"),
    ("33000", "BORDEAUX", "Gironde"), ("59800", "LILLE", "Nord"), ("67000", "STRASBOURG", "Bas-Rhin"),
    ("31000", "TOULOUSE", "Haute-Garonne"), ("13006", "MARSEILLE", "Bouches-du-Rhône"), ("75011", "PARIS", "Paris"),
    ("29200", "BREST", "Finistère"), ("56100", "LORIENT", "Morbihan"), ("22000", "SAINT-BRIEUC", "Côtes-d'Armor"),
    ("49100", "ANGERS", "Maine-et-Loire"), ("72000", "LE MANS", "Sarthe"), ("53000", "LAVAL", "Mayenne"),
)  # fmt: skip
THINGS = (
    "Chaudière à condensation", "Pompe à chaleur air/eau", "Ballon thermodynamique", "Radiateur acier", "Circulateur",
    "Vase d'expansion", "Tube cuivre écroui", "Climatiseur mural", "Régulation d'ambiance", "Contrat d'entretien",
    "Dépannage", "Mise en service", "Ramonage", "Détartrage", "Remplacement de pièce", "Visite annuelle",
)  # fmt: skip
COMPANIES = (
    "Syndic du Parc", "Menuiserie des Deux Rives", "Boulangerie du Port", "Mairie annexe", "Résidence Les Ormes",
    "Garage de l'Ouest", "Hôtel de la Plage", "SCI Bellevue", "Pharmacie Centrale", "Lycée du Bocage",
    "Transports Duval",
)  # fmt: skip
JOBS = ("Gérant", "Comptable", "Responsable technique", "Acheteuse", "Gardien", "Assistante", "Directeur")
CIVILITIES = ("Monsieur", "Madame", "Société", "SARL", "SCI")
SENTENCES = (
    "Passage prévu en matinée, prévenir le gardien.",
    "Fuite constatée sur le retour, joint remplacé.",
    "Le client demande un devis pour le remplacement.",
    "Accès par l'arrière ; code du portail à demander.",
    "Relevé effectué : pression 1,5 bar, rendement correct.",
    "Pièce commandée chez le fournisseur, délai de 5 jours.",
    "Règlement reçu par chèque à l'intervention.",
    "À rappeler la semaine prochaine.",
    "Essais réalisés en présence du client, RAS.",
    "Livraison partielle, reliquat à suivre.",
)
USERS = ("ADM", "CAMILLE", "NICOLAS", "SANDRINE", "COMPTA", "ATELIER")
