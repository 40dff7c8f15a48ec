using System.Globalization;
using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Evaluation;

/// <summary>The windows of the held-out text, each tokenized by every tokenizer of the models that are judged.</summary>
internal sealed class HeldOutText
{
    private readonly int _windowBytes;
    private readonly int? _stride;
    private readonly long _maxBytes;
    private readonly bool _keepOffsets;
    private readonly List<WindowText>? _texts;
    private readonly List<DocumentId> _documents = [];
    private readonly IReadOnlyList<(TextTokenizer Tokenizer, TextEncoder Encoder, List<WindowTokens> Windows)> _sides;

    /// <summary>An empty collection of windows.</summary>
    /// <param name="windowBytes">The longest window, in bytes of UTF-8.</param>
    /// <param name="stride">See <see cref="Stride"/>.</param>
    /// <param name="maxBytes">Documents are added until their text is longer than this.</param>
    /// <param name="tokenizers">The tokenizers, each with another fingerprint.</param>
    /// <param name="keepOffsets">Whether <see cref="WindowTokens.Offsets"/> will be needed.</param>
    /// <param name="keepTexts">Whether <see cref="Texts"/> will be needed.</param>
    public HeldOutText(int windowBytes, int? stride, long maxBytes, IReadOnlyList<TextTokenizer> tokenizers, bool keepOffsets, bool keepTexts = false)
    {
        _windowBytes = windowBytes;
        _stride = stride;
        _maxBytes = maxBytes;
        _keepOffsets = keepOffsets;
        _texts = keepTexts ? [] : null;
        _sides = [.. tokenizers.Select(t => (t, t.CreateEncoder(), new List<WindowTokens>()))];
    }

    public int WindowBytes => _windowBytes;

    /// <summary>How many bytes at the end of a window are judged. Null where windows do not overlap and all bytes are judged.</summary>
    public int? Stride => _stride;

    public long Documents { get; private set; }

    public long Bytes { get; private set; }

    public bool IsCut { get; private set; }

    /// <summary>The texts of the windows, in the order of <see cref="Windows"/>. Throws where they were not kept.</summary>
    public IReadOnlyList<WindowText> Texts => _texts ?? throw new InvalidOperationException("texts were not kept");

    /// <summary>The document of each window; empty where texts are not kept.</summary>
    public IReadOnlyList<DocumentId> DocumentIds => _documents;

    /// <summary>The windows under the first tokenizer. There are as many under every other.</summary>
    public IReadOnlyList<WindowTokens> Windows => _sides[0].Windows;

    /// <summary>The windows under one of the tokenizers.</summary>
    public IReadOnlyList<WindowTokens> Under(TextTokenizer tokenizer) => _sides.First(s => s.Tokenizer.Fingerprint == tokenizer.Fingerprint).Windows;

    /// <summary>
    /// Adds a document. Returns false once there is enough text. A document whose text one tokenizer cannot reproduce is rejected for all models, so that
    /// all are judged on the same text.
    /// </summary>
    public bool Add(TextDocument document, IRejects rejects)
    {
        if (Bytes >= _maxBytes)
        {
            IsCut = true;
            return false;
        }
        if (document.Messages is not null)
        {
            rejects.Reject(document.Id, "a conversation has no text of its own", $"{document.Id}: render it before it is judged");
            return true;
        }
        string text = WellFormedText.Normalize(document.Text);
        List<WindowText> windows = WindowText.Cut(text, _windowBytes, _stride ?? _windowBytes);
        var encoded = new List<WindowTokens>[_sides.Count];
        try
        {
            for (int i = 0; i < _sides.Count; i++)
                encoded[i] = [.. windows.Select(w => WindowTokens.Encode(_sides[i].Encoder, _sides[i].Tokenizer, w.Judged, _keepOffsets, w.Before))];
        }
        catch (ByteViewException e)
        {
            rejects.Reject(document.Id, "byte views differ from the text", string.Create(CultureInfo.InvariantCulture, $"{document.Id}: {e.Message}"));
            return true;
        }
        for (int i = 0; i < _sides.Count; i++)
            _sides[i].Windows.AddRange(encoded[i]);
        _texts?.AddRange(windows);
        if (_texts is not null)
            _documents.AddRange(windows.Select(_ => document.Id));
        Documents++;
        Bytes += Encoding.UTF8.GetByteCount(text);
        return true;
    }
}
