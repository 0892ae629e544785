"""The code editor: the modules of this package are the only users of Scintilla.

Outside, lines and columns are 1-based and count characters; Scintilla's 0-based lines and UTF-8 byte offsets
never leave it.
"""
