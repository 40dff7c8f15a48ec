using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Ensembles;

/// <summary>
/// A text that grows byte by byte under several models of any tokenizers, each with a prompt of its own. To be used on the device's thread.
/// </summary>
internal sealed class EnsembleSession : IDisposable
{
    // Contexts with a smaller share of the text's probability are not worth a pass. Leaving one out changes a distribution by no more than its share.
    private const double LeastShare = 1e-6;

    private readonly List<ByteSession> _members = [];
    private readonly double[][] _rows;
    private readonly Averaging _averaging;

    /// <summary>Computes the prompts.</summary>
    /// <param name="members">
    /// The members' views, prompts, and known keys and values of these prompts (see <see cref="ByteSession"/>). The views are not disposed here. The
    /// session owns the keys and values from here on.
    /// </param>
    /// <param name="averaging">How the distributions become one.</param>
    public EnsembleSession(IReadOnlyList<(NextByteModel View, IReadOnlyList<int> Prompt, KeyValueCache? Known)> members, Averaging averaging)
    {
        _averaging = averaging;
        _rows = [.. members.Select(_ => new double[ByteVocabulary.Symbols])];
        try
        {
            foreach ((NextByteModel view, IReadOnlyList<int> prompt, KeyValueCache? known) in members)
                _members.Add(new ByteSession(view, ByteText.OfPrompt(prompt, view.Vocabulary), LeastShare, known));
        }
        catch
        {
            foreach ((_, _, KeyValueCache? known) in members.Skip(_members.Count + 1))
                known?.Dispose();
            Dispose();
            throw;
        }
    }

    /// <summary>[257] the natural logarithms of the probabilities of the symbols after the text so far.</summary>
    public float[] LogRow()
    {
        double[] p = new double[ByteVocabulary.Symbols];
        for (int m = 0; m < _rows.Length; m++)
            _members[m].Row(_rows[m]);
        _averaging.Combine(_rows, p);
        return [.. p.Select(value => (float)Math.Log(value))];
    }

    /// <summary>Extends the text by one byte.</summary>
    public void Push(byte value) => _members.ForEach(member => member.Push(value));

    /// <summary>For each member, its tokens of the text and their keys and values; see <see cref="ByteSession.Take"/>.</summary>
    public IReadOnlyList<(int[] Ids, KeyValueCache Keys)> Take() => [.. _members.Select(member => member.Take())];

    public void Dispose() => _members.ForEach(member => member.Dispose());
}
