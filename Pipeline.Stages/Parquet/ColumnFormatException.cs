namespace Pipeline.Stages.Parquet;

/// <summary>The bytes are not what the Parquet format says. Readers of a file turn it into an input error with the file's name.</summary>
internal sealed class ColumnFormatException : Exception
{
    public ColumnFormatException(string message, bool isCut = false)
        : base(message) => IsCut = isCut;

    public ColumnFormatException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>The bytes end too early; more of them may help.</summary>
    public bool IsCut { get; }
}
