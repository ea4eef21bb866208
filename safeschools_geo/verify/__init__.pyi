from ._packet import is_packet as is_packet
from ._packet import verify as verify
from ._packet import verify_packet as verify_packet
from ._plan_bound import verify_folder as verify_folder
from ._reading import VerifyReport as VerifyReport
