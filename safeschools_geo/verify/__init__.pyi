from ._reading import VerifyReport as VerifyReport
from ._verify import is_packet as is_packet
from ._verify import verify as verify
from ._verify import verify_folder as verify_folder
from ._verify import verify_packet as verify_packet
