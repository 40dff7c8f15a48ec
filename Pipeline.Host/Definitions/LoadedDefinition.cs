using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>A definition that was read. It may still break rules.</summary>
/// <param name="Definition">The definition, with <c>--set</c> applied and defaults filled in.</param>
/// <param name="Json">Its canonical text, which the run folder keeps.</param>
/// <param name="Hash">The SHA-256 of that text, in hexadecimal.</param>
/// <param name="Source">What was written, with the place of each value.</param>
/// <param name="Errors">The rules that the definition breaks by itself. There are none if the loader was asked to refuse them.</param>
internal sealed record LoadedDefinition(RunDefinition Definition, string Json, string Hash, SourceNode Source, DefinitionErrors Errors);
