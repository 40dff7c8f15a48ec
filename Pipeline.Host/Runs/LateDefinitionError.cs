using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Runs;

/// <summary>
/// An error of the definition that appears only while a flow is in progress. The rules that are checked before any flow begins should have found it,
/// so it is our defect as well. The message tells the user both. In tests the run ends as with any other defect.
/// </summary>
internal static class LateDefinitionError
{
    /// <summary>The name of the switch (<see cref="AppContext"/>) that tests set.</summary>
    public const string IsDefect = "Alm.LateDefinitionErrorsAreDefects";

    public static AlmException Of(FlowDefinition flow, DefinitionException error) => AppContext.TryGetSwitch(IsDefect, out bool isDefect) && isDefect
        ? new DefectException($"an error in the definition was found only after flow '{flow.Name}' had begun, where a rule should have found it before: {error.Message}", error)
        : new DefinitionException($"{error.Message}\nThis was found only after flow '{flow.Name}' had begun. alm check should have found it; please report that.", error);
}
