"""Are protected face templates of one person linkable, and does the protection change a comparison?"""
