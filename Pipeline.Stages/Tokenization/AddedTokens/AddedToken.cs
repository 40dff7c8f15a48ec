namespace Pipeline.Stages.Tokenization.AddedTokens;

/// <summary>A token that is cut out of the text before the model sees the rest.</summary>
/// <param name="Id">Its id. It is the model's own if the vocabulary has the token.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Whether it is not recognized inside a word.</param>
/// <param name="LeftStrip">Whether it also takes the white space before it.</param>
/// <param name="RightStrip">Whether it also takes the white space after it.</param>
/// <param name="Normalized">Whether its normalized content is searched for in the normalized text, and not its content in the text as it is.</param>
/// <param name="Special">Whether it is a special token, which can be left out when decoding.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);
