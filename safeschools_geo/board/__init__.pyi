from ._chapters import draw_packet as draw_packet
from ._page import print_pdf as print_pdf
from ._tables import decimals_of as decimals_of
from ._tables import rate_decimals as rate_decimals
from ._tables import words as words
