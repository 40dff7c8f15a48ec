namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>A pattern says something that is not supported, or nothing that can be read; the loader adds the file and the place in it.</summary>
internal sealed class PatternException(string message) : Exception(message);
