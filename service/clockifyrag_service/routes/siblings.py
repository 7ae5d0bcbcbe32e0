"""What servers of one index tell each other: /frequent, on the ops port alone."""

import hmac

from fastapi import APIRouter, Depends, Request, Response

from ..auth import presented_key
from ..errors import UNAUTHORIZED, Refused
from ..loading import WARM_QUESTIONS
from ..parts import Parts
from ..siblings import PATH, Frequent, written
from . import no_parameters


def sibling_routes(parts: Parts) -> APIRouter:
    """Nothing where no server has a key in common with this one."""
    router, token = APIRouter(dependencies=[Depends(no_parameters)]), parts.sibling_token
    if token is None:
        return router

    @router.get(PATH)
    async def frequent(request: Request) -> Response:
        """The questions asked most lately, for a server that starts."""
        presented = presented_key(b"authorization", request.headers.get("authorization", "").encode("latin-1")) or ""
        if not hmac.compare_digest(presented.encode(), token.encode()):
            raise Refused(
                UNAUTHORIZED,
                "This path answers servers of the same index.",
                "Let both have the same LOG_KEY_FILE; people find what is asked under /analytics.",
                ((b"www-authenticate", b"Bearer"),),
            )
        stored = parts.cache.most_used(WARM_QUESTIONS)
        frequent = [Frequent(answer.parameters, max(1, asked)) for answer, asked in stored]
        return Response(written(frequent, parts.settings), media_type="application/json")

    return router
