namespace Pipeline.Stages.Tokenization.AddedTokens;

/// <summary>A token that is cut out of the text before the model sees it.</summary>
/// <param name="Id">Its id: the model's own when the vocabulary has it.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Not inside a word.</param>
/// <param name="LeftStrip">Takes the white space before it too.</param>
/// <param name="RightStrip">Takes the white space after it too.</param>
/// <param name="Normalized">Found in the normalized text, by its own normalized content; else in the text as it is.</param>
/// <param name="Special">A special token: left out when decoding without them.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);
