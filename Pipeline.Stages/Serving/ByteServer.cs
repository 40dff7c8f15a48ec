using System.Runtime.CompilerServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Serving;

/// <summary>
/// Serves models with different tokenizers as one model that answers in bytes. Ids 0 to 255 are bytes. Id 256 ends a text; in front of a prompt it only
/// marks the beginning. Answers in progress take turns, one byte at a time.
/// </summary>
public sealed class ByteServer : IServedModel
{
    private static readonly HashSet<int> NoneSeen = [];

    private readonly IReadOnlyList<ServedMember> _members;
    private readonly Averaging _averaging;
    private readonly TorchDevice _device;
    private readonly ByteSide _side;
    private readonly IReadOnlyList<PrefixCache> _prefixes;

    private ByteServer(string name, IReadOnlyList<ServedMember> members, Averaging averaging, TorchDevice device, ByteSide side, ServingLimits limits)
    {
        (Name, _members, _averaging, _device, _side) = (name, members, averaging, device, side);
        _prefixes = [.. members.Select(m => new PrefixCache([m.Member.Model.Model], limits.PrefixTokens))];
        // Every token has at least one byte, so that no text has more tokens than bytes, but for a bos token and an inserted space.
        MaxLength = members.Min(m => m.Member.Model.Model.Config.MaxPositions) - 2;
    }

    public string Name { get; }

    public TextTokenizer Tokenizer { get; } = TextTokenizer.Bytes(["<|end|>"], null, "<|end|>", null);

    public IReadOnlySet<int> Ends { get; } = new HashSet<int> { ByteVocabulary.End };

    public int Rows => ByteVocabulary.Symbols;

    public int MaxLength { get; }

    public string? Template => _members[0].Template;

    /// <summary>Creates a server.</summary>
    /// <param name="name">The name that requests use.</param>
    /// <param name="members">The models. They stay the caller's, and must outlive the server.</param>
    /// <param name="averaging">How the members are averaged.</param>
    /// <param name="device">Where they compute.</param>
    /// <param name="limits">How many tokens' keys are kept, for each member.</param>
    /// <exception cref="InputException">A model has no exact next bytes.</exception>
    public static async Task<ByteServer> CreateAsync(string name, IReadOnlyList<ServedMember> members, Averaging averaging, TorchDevice device, ServingLimits limits)
        => new(name, members, averaging, device, await device.RunAsync(() => new ByteSide([.. members.Select(m => m.Member)], averaging)).ConfigureAwait(false), limits);

    public ServedPrompt Prompt(string text)
    {
        string normal = WellFormedText.Normalize(text);
        return new ServedPrompt([ByteVocabulary.End, .. Encoding.UTF8.GetBytes(normal).Select(b => (int)b)], [.. _members.Select(m => m.Encode(normal))]);
    }

    public ServedPrompt Prompt(int[] ids)
    {
        string text = TextOf(ids);
        return new ServedPrompt(ids, [.. _members.Select(m => m.Encode(text))]);
    }

    public ServedPrompt Chat(IReadOnlyList<ChatMessage> messages)
    {
        (int[] Ids, string Text)[] each = [.. _members.Select(m => m.Chat(messages))];
        return new ServedPrompt([ByteVocabulary.End, .. Encoding.UTF8.GetBytes(each[0].Text).Select(b => (int)b)], [.. each.Select(e => e.Ids)]);
    }

    public Func<IReadOnlyList<int>, string> Decoder(ServedPrompt prompt) => ids => Encoding.UTF8.GetString([.. ids.Where(id => id < ByteVocabulary.End).Select(id => (byte)id)]);

    public Task<IReadOnlyList<ServedPosition>> ScoreAsync(ServedPrompt prompt, int top, CancellationToken cancellationToken)
    {
        string text = TextOf(prompt.Ids);
        return _device.RunAsync<IReadOnlyList<ServedPosition>>(() => Positions(prompt.Ids, _side.Score([text], withLast: true)[0], Math.Clamp(top, 1, Rows)), cancellationToken);
    }

    public async IAsyncEnumerable<ServedToken> GenerateAsync(
        ServedPrompt prompt, GenerationOptions options, int stream, int? top, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (options.RepetitionPenalty != 1)
            throw new InputException($"'{Name}' answers in bytes, but a repetition penalty applies to tokens; leave it out");
        var sampler = new TokenSampler(options, stream);
        EnsembleSession session = await _device.RunAsync(() => Begin(prompt), cancellationToken).ConfigureAwait(false);
        bool isWhole = false;
        try
        {
            int last = -1;
            for (int step = 1; step <= options.MaxNewTokens; step++)
            {
                byte pushed = (byte)Math.Max(0, last);
                bool pushes = last >= 0;
                float[] logP = await _device.RunAsync(
                    () =>
                    {
                        isWhole = false;
                        if (pushes)
                            session.Push(pushed);
                        float[] row = session.LogRow();
                        isWhole = true;
                        return row;
                    },
                    cancellationToken).ConfigureAwait(false);
                last = sampler.Choose(logP, NoneSeen);
                bool ends = last == ByteVocabulary.End || step == options.MaxNewTokens;
                (double value, IReadOnlyList<ListedToken> listed) = top is { } asked ? AnswerWork.Listed(logP, last, asked) : (double.NaN, []);
                yield return new ServedToken(last, value, listed, ends);
                if (ends)
                    break;
            }
        }
        finally
        {
            // The device does this before any later work, so that nobody has to wait for it here.
            _ = _device.RunAsync(() => End(session, isWhole ? prompt : null), CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync() => await _device.RunAsync(
        () =>
        {
            _side.Dispose();
            foreach (PrefixCache prefixes in _prefixes)
                prefixes.Dispose();
        },
        CancellationToken.None).ConfigureAwait(false);

    // Each member continues from the keys of an earlier text: the one whose tokens have the longest beginning in common with the prompt's.
    private EnsembleSession Begin(ServedPrompt prompt)
        => new([.. _side.Views.Select((view, m) => (view, (IReadOnlyList<int>)prompt.Members[m], Known(_prefixes[m], prompt.Members[m])))], _averaging);

    private static KeyValueCache? Known(PrefixCache prefixes, int[] ids) => prefixes.Find(ids) is var (entry, common) ? entry.First(common)[0] : null;

    private void End(EnsembleSession session, ServedPrompt? kept)
    {
        using (session)
        {
            if (kept is null)
                return;
            foreach (((int[] ids, KeyValueCache keys), int m) in session.Take().Select((taken, m) => (taken, m)))
            {
                // In some models the rotation of keys depends on the length of the text. Keys of a text with fewer tokens than the prompt may be rotated for
                // another length.
                if (ids.Length >= kept.Members[m].Length)
                    _prefixes[m].Put(new PrefixEntry(ids, [keys], null, 0));
                else
                    keys.Dispose();
            }
        }
    }

    private static List<ServedPosition> Positions(int[] ids, double[] rows, int top)
    {
        var positions = new List<ServedPosition> { new(ids[0], double.NaN, 0, []) };
        // Row k has the distribution of the byte after the first k bytes. The mark in front of the prompt is not a byte.
        int shift = ids[0] == ByteVocabulary.End ? 1 : 0;
        for (int i = 1; i <= ids.Length; i++)
        {
            ReadOnlySpan<double> p = rows.AsSpan((i - shift) * ByteVocabulary.Symbols, ByteVocabulary.Symbols);
            int[] order = [.. Enumerable.Range(0, p.Length)];
            double[] keys = [.. p];
            Array.Sort(keys, order, Comparer<double>.Create((a, b) => b.CompareTo(a)));
            ListedToken[] listed = [.. order.Take(top).Where(x => rows[((i - shift) * ByteVocabulary.Symbols) + x] > 0).Select(x => new ListedToken(x, Math.Log(rows[((i - shift) * ByteVocabulary.Symbols) + x])))];
            positions.Add(i == ids.Length ? new ServedPosition(-1, double.NaN, 0, listed) : new ServedPosition(ids[i], Math.Log(p[ids[i]]), 1 + Count(p, p[ids[i]]), listed));
        }
        return positions;
    }

    private static int Count(ReadOnlySpan<double> p, double above)
    {
        int count = 0;
        foreach (double value in p)
            count += value > above ? 1 : 0;
        return count;
    }

    private string TextOf(int[] ids)
    {
        if (ids.Length == 0)
            throw new InputException("the prompt is empty: begin it with 256 (the end of another text) or with some text");
        byte[] bytes = [.. ids.Skip(ids[0] == ByteVocabulary.End ? 1 : 0).Select(id => id is >= 0 and < 256
            ? (byte)id
            : throw new InputException($"the prompt has id {id}; '{Name}' takes bytes, 0 to 255, and optionally 256 in front"))];
        try
        {
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
            return WellFormedText.Normalize(text) == text ? text : throw new InputException("the prompt's text is not NFC, which these models need; normalize it first");
        }
        catch (ArgumentException e)
        {
            throw new InputException($"the prompt's bytes are not UTF-8, or end inside a character: {e.Message}", e);
        }
    }
}
