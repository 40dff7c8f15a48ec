namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>
/// What becomes of characters the vocabulary lacks: their byte tokens, or the unknown token, or nothing. An unknown token waits until
/// the next known character (so that several can fuse); byte tokens do not wait for it, as in Hugging Face's crate.
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
