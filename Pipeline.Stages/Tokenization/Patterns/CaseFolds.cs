namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Oniguruma compares whole strings when it ignores case: <c>(?i:ss)</c> also matches ß. Sets of single characters cannot express this, so patterns that
/// depend on it are refused.
/// </summary>
internal static class CaseFolds
{
    private static readonly CodePointSet s_expanding = CodePointSet.Parse(
        "df 130 149 1f0 390 3b0 587 1e96-1e9a 1e9e 1f50 1f52 1f54 1f56 1f80-1faf 1fb2-1fb4 1fb6-1fb7 1fbc 1fc2-1fc4 1fc6-1fc7 1fcc " +
        "1fd2-1fd3 1fd6-1fd7 1fe2-1fe4 1fe6-1fe7 1ff2-1ff4 1ff6-1ff7 1ffc fb00-fb06 fb13-fb17");

    /// <summary>Refuses a literal that ignores case in such a way.</summary>
    /// <param name="before">The literal directly before it, or -1.</param>
    /// <param name="literal">The code point.</param>
    /// <param name="pattern">The whole pattern, for the message.</param>
    /// <exception cref="PatternException">The literal, alone or after the one before it, is equal to a string of another length if case is ignored.</exception>
    public static void RefuseExpansion(int before, int literal, string pattern)
    {
        if (s_expanding.Contains(literal))
            throw new PatternException($"'{char.ConvertFromUtf32(literal)}' ignoring case, which is not supported, in pattern {pattern}");
        if (before < 0)
            return;
        string pair = (char.ConvertFromUtf32(before) + char.ConvertFromUtf32(literal)).ToLowerInvariant();
        if (pair is "ss" or "ff" or "fi" or "fl" or "st" || (before > 0x7f && literal > 0x7f) || literal is >= 0x300 and < 0x370)
            throw new PatternException($"'{pair}' ignoring case, which is not supported, in pattern {pattern}");
    }
}
