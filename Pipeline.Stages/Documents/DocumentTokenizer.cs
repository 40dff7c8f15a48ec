using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Documents;

/// <summary>
/// Tokenizes text with one tokenizer or two: makes it well-formed and NFC once, encodes it on every side, and brings it within the limits. Safe on many
/// threads, each of which takes its encoders from a pool.
/// </summary>
internal sealed class DocumentTokenizer<T>(IReadOnlyList<TextTokenizer> sides, TokenizationRule rule, MakeRecord<T> make, IStageMeter meter)
{
    private readonly ConcurrentBag<TextEncoder[]> _encoders = [];

    /// <summary>Tokenizes a document. The result has one record, or several if the document was split.</summary>
    /// <exception cref="RejectedException">The document cannot be used.</exception>
    public IReadOnlyList<T> Tokenize(DocumentId id, string text)
    {
        string normal = WellFormedText.Normalize(text);
        if (normal.Length == 0)
            throw new RejectedException(id, "text is empty", "the text has no characters");
        TextEncoder[] encoders = _encoders.TryTake(out TextEncoder[]? idle) ? idle : [.. sides.Select(s => s.CreateEncoder())];
        List<(string Text, TokenSequence[] Sides)> parts = [];
        try
        {
            Collect(id, normal, isEnd: true, encoders, parts);
        }
        catch (ByteViewException e)
        {
            throw new RejectedException(id, "byte views differ from the text", e.Message);
        }
        finally
        {
            _encoders.Add(encoders);
        }
        return Finish(id, normal, parts);
    }

    /// <summary>Appends a text to the parts, or, if it is over the limits, the parts that it is cut into.</summary>
    /// <param name="id">The document's id.</param>
    /// <param name="text">A part of the document, or all of it.</param>
    /// <param name="isEnd">Whether the document ends with this text. Only there is an eos, so that no student learns to stop in mid-sentence.</param>
    /// <param name="encoders">One for each side.</param>
    /// <param name="parts">The list to which the parts are appended.</param>
    private void Collect(DocumentId id, string text, bool isEnd, TextEncoder[] encoders, List<(string, TokenSequence[])> parts)
    {
        TokenSequence[] encoded = Array.ConvertAll(encoders, e => e.EncodeDocument(text, rule.AddBos, rule.AddEos && isEnd));
        if (rule.Fits(Array.ConvertAll(encoded, s => s.Count)))
        {
            parts.Add((text, encoded));
            return;
        }
        if (rule.LongDocuments == LongDocuments.Reject)
            throw TooLong(id, encoded, "longer than the limit", "longDocuments is reject");
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (LongDocumentCutter.Cut(bytes, encoded, rule) is not { Count: > 0 } cuts)
            throw TooLong(id, encoded, "no place to cut", "no boundary that both tokenizers share lies within the limits");
        int start = 0;
        foreach (int cut in cuts.Append(bytes.Length))
        {
            // A part can have more tokens alone than within the text. It is then cut again, and gets shorter each time.
            Collect(id, Encoding.UTF8.GetString(bytes, start, cut - start), isEnd && cut == bytes.Length, encoders, parts);
            if (rule.LongDocuments == LongDocuments.Cut)
                return;
            start = cut;
        }
    }

    private List<T> Finish(DocumentId id, string text, List<(string Text, TokenSequence[] Sides)> parts)
    {
        int bytes = Encoding.UTF8.GetByteCount(text), kept = parts.Sum(p => Encoding.UTF8.GetByteCount(p.Text));
        if (parts.Count > 1)
        {
            meter.Count("splitDocuments", 1);
            meter.Count("parts", parts.Count);
        }
        if (kept < bytes)
        {
            meter.Count("cutDocuments", 1);
            meter.Count("cutBytes", bytes - kept);
        }
        List<T> documents = new(parts.Count);
        int? marker = rule.LossOn switch
        {
            LossOn.Marker => BehindMarker(id, text),
            LossOn.Assistant => throw new RejectedException(id, "not a conversation", "lossOn is assistant, but the document is text without turns"),
            _ => null,
        };
        int start = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            (string partText, TokenSequence[] encoded) = parts[i];
            int length = Encoding.UTF8.GetByteCount(partText);
            if (marker is { } from)
            {
                if (from >= start + length)
                    meter.Count("partsWithoutLoss", 1);
                encoded = Array.ConvertAll(encoded, s => s with { LossMask = LossMasks.Of(s, [(Math.Max(0, from - start), length)], length) });
            }
            if (marker is null || marker < start + length)
                documents.Add(make(parts.Count == 1 ? id : id with { Part = i + 1 }, partText, encoded));
            start += length;
        }
        if (documents.Count == 0)
            throw new RejectedException(id, "nothing counts in the loss", $"nothing that was kept comes after the marker '{rule.LossMarker}'");
        return documents;
    }

    /// <summary>The number of bytes up to the end of the marker's first occurrence.</summary>
    private int BehindMarker(DocumentId id, string text)
    {
        string marker = WellFormedText.Normalize(rule.LossMarker!);
        int at = text.IndexOf(marker, StringComparison.Ordinal);
        return at < 0
            ? throw new RejectedException(id, "no loss marker", $"the text does not contain '{rule.LossMarker}'")
            : Encoding.UTF8.GetByteCount(text.AsSpan(0, at + marker.Length));
    }

    private RejectedException TooLong(DocumentId id, TokenSequence[] encoded, string reason, string why)
        => new(id, reason, string.Create(
            CultureInfo.InvariantCulture,
            $"{string.Join(" and ", encoded.Select(s => s.Count))} tokens where {string.Join(" and ", rule.Limits)} are allowed; {why}"));
}
