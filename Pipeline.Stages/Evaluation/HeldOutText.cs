using System.Globalization;
using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Evaluation;

/// <summary>The windows of the held-out text, each under every tokenizer that judges it.</summary>
internal sealed class HeldOutText
{
    private readonly int _windowBytes;
    private readonly int? _stride;
    private readonly long _maxBytes;
    private readonly bool _keepOffsets;
    private readonly List<WindowText>? _texts;
    private readonly List<DocumentId> _documents = [];
    private readonly IReadOnlyList<(TextTokenizer Tokenizer, TextEncoder Encoder, List<WindowTokens> Windows)> _sides;

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

    /// <summary>Bytes of a window that are judged; null: all.</summary>
    public int? Stride => _stride;

    public long Documents { get; private set; }

    public long Bytes { get; private set; }

    public bool IsCut { get; private set; }

    /// <summary>The windows' texts, where they are kept.</summary>
    public IReadOnlyList<WindowText> Texts => _texts ?? throw new InvalidOperationException("texts were not kept");

    /// <summary>Whose the windows are, where their texts are kept.</summary>
    public IReadOnlyList<DocumentId> DocumentIds => _documents;

    /// <summary>Windows under the first tokenizer; all have the same number.</summary>
    public IReadOnlyList<WindowTokens> Windows => _sides[0].Windows;

    public IReadOnlyList<WindowTokens> Under(TextTokenizer tokenizer) => _sides.First(s => s.Tokenizer.Fingerprint == tokenizer.Fingerprint).Windows;

    /// <summary>False once there is enough text. A document that one tokenizer cannot hold is rejected for all, so that all judge the same.</summary>
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
