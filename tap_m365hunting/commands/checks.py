"""Asks the service whether queries will work."""

from msgspec.structs import replace
from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.commands.documented_keys import Identity
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.commands.report import Facts, QueryReport, Texts
from tap_m365hunting.configuration.config import ReadSettings
from tap_m365hunting.errors import TENANT_ERRORS, QueryRejectedError
from tap_m365hunting.sync.long_retention import RunCall


class Checker:
    """Checks a tenant's queries at the cost of a probe each.

    `answered` says if the service has run a query, or refused a query for its own sake: the token
    is good. `tenant` names the columns for a record's tenant.
    """

    def __init__(
        self,
        read_settings: ReadSettings,
        run: RunCall,
        *,
        tenant: tuple[str, ...] = (),
    ) -> None:
        self._tenant = tenant
        self._read_settings = read_settings
        self._run = run
        self.answered = False

    def check(self, found: QueryReport) -> QueryReport:
        """Return the report from a query's text, made certain by the service.

        A query unfit to run is not asked about.

        Raises:
            AuthenticationError, ConnectionSetupError, SignInError, UnreachableError: the service
                takes no call; the reason holds for every query.
        """
        if found.query is None or not found.ok:
            return found
        try:
            probed = ProbedQuery.of(
                found.query, self._read_settings, self._run, tenant=self._tenant
            )
        except SingerSDKError as error:
            return replace(found, remarks=(*found.remarks, self._refusal(error)))
        self.answered = True
        return self._certain(probed, found)

    def _refusal(self, error: SingerSDKError) -> Remark:
        # where another query was answered, what is missing is this one's alone: a licence
        if isinstance(error, TENANT_ERRORS) and not self.answered:
            raise error
        if isinstance(error, QueryRejectedError):
            self.answered = True
            return Remark("error", str(error), error.line)
        return Remark("error", str(error))

    def _certain(self, probed: ProbedQuery, found: QueryReport) -> QueryReport:
        verdict, shape = probed.verdict, probed.shape
        return replace(
            found,
            probed=probed,
            remarks=probed.remarks,
            mode=verdict.mode,
            cursor=verdict.cursor,
            texts=Texts.of(probed.resolved, row_cap=self._read_settings.row_cap),
            facts=Facts(
                shape.columns,
                shape.key_properties,
                identity=Identity.offered(probed.query, shape.columns),
            ),
        )
