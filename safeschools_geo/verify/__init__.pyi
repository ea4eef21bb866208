from ._reading import VerifyReport as VerifyReport
from ._verify import verify as verify
