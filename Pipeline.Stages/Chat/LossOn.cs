namespace Pipeline.Stages.Chat;

/// <summary>Which tokens count in the loss.</summary>
internal enum LossOn
{
    /// <summary>Every token.</summary>
    All,

    /// <summary>What the assistant writes, and the special tokens that end its turns.</summary>
    Assistant,

    /// <summary>What comes after a marker text.</summary>
    Marker,
}
