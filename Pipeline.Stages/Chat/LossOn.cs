namespace Pipeline.Stages.Chat;

/// <summary>Which tokens count in a loss.</summary>
internal enum LossOn
{
    /// <summary>Every token.</summary>
    All,

    /// <summary>What the assistant says, and the special tokens that end its turns.</summary>
    Assistant,

    /// <summary>What follows a marker text.</summary>
    Marker,
}
