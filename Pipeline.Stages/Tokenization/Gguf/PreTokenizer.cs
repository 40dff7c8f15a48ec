namespace Pipeline.Stages.Tokenization.Gguf;

/// <summary>How llama.cpp cuts text before merging, by the names that it has for that.</summary>
/// <param name="Patterns">Regular expressions, applied one after the other, each on the pieces of those before.</param>
/// <param name="Plain">Names under which merges are always followed. The first is the one to write.</param>
/// <param name="Ignoring">Names under which a piece that is a token is that token, whatever the merges say. The first is the one to write.</param>
internal sealed record PreTokenizer(IReadOnlyList<string> Patterns, IReadOnlyList<string> Plain, IReadOnlyList<string> Ignoring)
{
    /// <summary>Whether a name ignores merges; null where it is none of these.</summary>
    public bool? Ignores(string name) => Plain.Contains(name) ? false : Ignoring.Contains(name) ? true : null;
}
