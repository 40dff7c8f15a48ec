using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Runs;

/// <summary>
/// An error of the definition that appears while a flow is in progress: the rules that are checked before any flow should have found it, so it is
/// a defect of ours as well. A user is told both; tests have it end as a defect.
/// </summary>
internal static class LateDefinitionError
{
    /// <summary>The switch of the application context that tests set.</summary>
    public const string IsDefect = "Alm.LateDefinitionErrorsAreDefects";

    public static AlmException Of(FlowDefinition flow, DefinitionException error) => AppContext.TryGetSwitch(IsDefect, out bool isDefect) && isDefect
        ? new DefectException($"an error in the definition was found only after flow '{flow.Name}' had begun, where a rule should have found it before: {error.Message}", error)
        : new DefinitionException($"{error.Message}\nThis was found only after flow '{flow.Name}' had begun. alm check should have found it; please report that.", error);
}
