using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>A definition that could be read.</summary>
/// <param name="Definition">With defaults filled in and <c>--set</c> applied.</param>
/// <param name="Json">The same in canonical form: what the run folder keeps.</param>
/// <param name="Hash">SHA-256 of it, in hex.</param>
/// <param name="Source">As it was written, with places.</param>
/// <param name="Errors">Rules that it breaks by itself; none where the loader was asked to refuse them.</param>
internal sealed record LoadedDefinition(RunDefinition Definition, string Json, string Hash, SourceNode Source, DefinitionErrors Errors);
