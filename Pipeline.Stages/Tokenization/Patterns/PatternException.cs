namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>A pattern is not well-formed, or says something that is not supported. Readers of files add the file and the place in it.</summary>
internal sealed class PatternException(string message) : Exception(message);
