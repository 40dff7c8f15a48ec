namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>
/// Decides what becomes of characters that the vocabulary lacks: the tokens of their bytes, the unknown token, or nothing. As in Hugging Face's crate, an
/// unknown token waits for the next known character, so that several can be fused into one, while the tokens of bytes do not wait for it.
/// </summary>
internal ref struct UnknownRun(BpeModel model, MergeScratch symbols)
{
    private bool _waiting;

    public void Known(int id)
    {
        End();
        symbols.Add(id);
    }

    public void Missing(scoped ReadOnlySpan<byte> utf8)
    {
        if (model.Options.ByteFallback && AllThere(utf8))
        {
            foreach (byte value in utf8)
                symbols.Add(model.FallbackBytes[value]);
            return;
        }
        if (model.Unknown < 0)
            return;
        if (_waiting && !model.Options.FuseUnknown)
            symbols.Add(model.Unknown);
        _waiting = true;
    }

    public void End()
    {
        if (_waiting)
            symbols.Add(model.Unknown);
        _waiting = false;
    }

    private readonly bool AllThere(scoped ReadOnlySpan<byte> utf8)
    {
        foreach (byte value in utf8)
        {
            if (model.FallbackBytes[value] < 0)
                return false;
        }
        return true;
    }
}
