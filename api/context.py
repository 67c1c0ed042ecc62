"""What routes are given besides their own parameters."""

from typing import Annotated

from fastapi import Depends, Request

from api import bootstrap


def _services(request: Request) -> bootstrap.Services:
    services: bootstrap.Services = request.app.state.services
    return services


Services = Annotated[bootstrap.Services, Depends(_services)]
