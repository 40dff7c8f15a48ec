using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>A definition that passed every check.</summary>
/// <param name="Definition">With defaults filled in and <c>--set</c> applied.</param>
/// <param name="Json">The same in canonical form: what the run folder keeps.</param>
/// <param name="Hash">SHA-256 of it, in hex.</param>
internal sealed record LoadedDefinition(RunDefinition Definition, string Json, string Hash);
