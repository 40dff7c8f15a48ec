namespace Pipeline.Stages.Tokenization.Gguf;

/// <summary>A way in which llama.cpp splits text before merging, with the names that llama.cpp has for it.</summary>
/// <param name="Patterns">Regular expressions. They are applied one after the other, each to the pieces of the one before.</param>
/// <param name="Plain">Names under which the merges are always followed. The first is the one to write.</param>
/// <param name="Ignoring">Names under which a piece that is a token becomes that token, whatever the merges say. The first is the one to write.</param>
internal sealed record PreTokenizer(IReadOnlyList<string> Patterns, IReadOnlyList<string> Plain, IReadOnlyList<string> Ignoring)
{
    /// <summary>Whether the merges are ignored under a name, or null if it is none of these names.</summary>
    public bool? Ignores(string name) => Plain.Contains(name) ? false : Ignoring.Contains(name) ? true : null;
}
