"""How our pictures look: one style, colour-blind safe, readable in print, without pyplot's global state.

`style`: new_figure, save_figure, the colours. `blocks`: an alignment in lines, for pages and tables, too. `alignment`:
the card that shows a twin pair, column by column. `terminal`: what is printed for people.
"""
