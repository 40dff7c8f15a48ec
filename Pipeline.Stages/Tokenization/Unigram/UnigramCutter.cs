using System.Text;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Unigram;

/// <summary>Finds the best segmentation of a whole word. Where the vocabulary lacks a character, the caller gives what stands for its bytes.</summary>
internal sealed class UnigramCutter(UnigramModel model) : ITokenCutter
{
    private readonly Lattice _lattice = new(model);

    public void Cut(string word, Action<string, List<int>> missing, List<int> ids)
    {
        byte[] bytes = model.OnBytes ? ByteAlphabet.Bytes(word)! : Encoding.UTF8.GetBytes(word);
        _lattice.Run(bytes, model.OnBytes);
        List<(int Start, int Id)> pieces = _lattice.Pieces;
        for (int i = 0; i < pieces.Count; i++)
        {
            if (pieces[i].Id >= 0 && pieces[i].Id != model.Unknown)
            {
                ids.Add(pieces[i].Id);
                continue;
            }
            ReadOnlySpan<byte> unit = bytes.AsSpan(pieces[i].Start..(i + 1 < pieces.Count ? pieces[i + 1].Start : bytes.Length));
            missing(model.OnBytes ? ByteAlphabet.Text(unit) : Encoding.UTF8.GetString(unit), ids);
        }
    }
}
